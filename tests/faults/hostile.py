"""What strategies may do to the process they run in: the table of docs/reliability.md, row by row.

Each row is the body of one strategy's ``signals(bars)``, which goes on to answer as an honest one would, and the words
by which it fails; an empty text where it does no harm to anybody and has figures of its own.
"""

from typing import NamedTuple


class Hostile(NamedTuple):
    """A behaviour: its name, its body, and how its failure is told."""

    name: str
    body: str
    failure: str = ""


ENDINGS = [
    Hostile("sys.exit", "sys.exit(3)", "raised SystemExit: 3"),
    Hostile("sys.exit with a text", "sys.exit('enough')", "raised SystemExit: enough"),
    Hostile("os._exit 0", "os._exit(0)", "ended its process with status 0"),
    Hostile("os._exit 3", "os._exit(3)", "ended its process with status 3"),
    Hostile("os.abort", "os.abort()", r"had its process ended by signal 6 \(SIGABRT\)"),
    Hostile("SIGKILL to itself", "os.kill(os.getpid(), 9)", r"had its process ended by signal 9 \(SIGKILL\)"),
    Hostile("SIGTERM to itself", "os.kill(os.getpid(), 15)", r"had its process ended by signal 15 \(SIGTERM\)"),
    Hostile("SIGSTOP to itself", "os.kill(os.getpid(), 19)", r"stopped its process by signal 19 \(SIGSTOP\)"),
    Hostile("SIGSEGV by a null pointer", "ctypes.string_at(0)", r"had its process ended by signal 11 \(SIGSEGV\)"),
    Hostile("SIGKILL to its group", "os.killpg(0, 9)", r"had its process ended by signal 9 \(SIGKILL\)"),
    Hostile("SIGKILL to its parent", "os.kill(os.getppid(), 9); time.sleep(30)", "ended the process that watches it"),
    Hostile("KeyboardInterrupt", "raise KeyboardInterrupt", "raised KeyboardInterrupt"),
    Hostile("GeneratorExit", "raise GeneratorExit", "raised GeneratorExit"),
    Hostile("BaseException", "raise BaseException('all of it')", "raised BaseException: all of it"),
    Hostile(
        "an alarm that ends it",
        "signal.signal(signal.SIGALRM, signal.SIG_DFL)\nsignal.setitimer(signal.ITIMER_REAL, 0.01)\ntime.sleep(30)",
        r"had its process ended by signal 14 \(SIGALRM\)",
    ),
    Hostile("SIGINT to itself", "os.kill(os.getpid(), 2)"),
    Hostile(
        "an exception that cannot be told", "raise Untellable", r"raised Untellable: \(its message cannot be read\)"
    ),
    Hostile("an exception of a megabyte", "raise ValueError('x' * 2**20)", r"raised ValueError: x{200}\.\.\. "),
    Hostile("endless recursion", "def deeper(n): return deeper(n + 1)\ndeeper(0)", "raised RecursionError"),
    Hostile(
        "recursion without a limit",
        "sys.setrecursionlimit(10**9)\ndef deeper(n): return list(map(deeper, [n + 1]))\ndeeper(0)",
        "(had its process ended by signal 11|raised MemoryError)",
    ),
]
"""How a strategy may end instead of returning."""

LEFTOVERS = [
    Hostile("a thread", "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"),
    Hostile("a thread that spins", "threading.Thread(target=spin, daemon=True).start()"),
    Hostile("a thread that patches later", "threading.Timer(0.01, lambda: setattr(np, 'mean', None)).start()"),
    Hostile("a thread that exits later", "threading.Timer(0.01, os._exit, (0,)).start()"),
    Hostile("an alarm", "signal.signal(signal.SIGALRM, signal.SIG_DFL)\nsignal.alarm(1)"),
    Hostile(
        "an alarm with a handler that raises",
        "def ring(*_): raise RuntimeError('ring')\n"
        "signal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 30.0, 0.01)",
    ),
    Hostile("signal handlers", "for n in (1, 10, 12, 15): signal.signal(n, signal.SIG_IGN)"),
    Hostile("blocked signals", "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGALRM})"),
    Hostile("a fork that goes on", "os.fork()"),
    Hostile("a fork that raises", "if os.fork() == 0: raise ValueError('in the child')"),
    Hostile("a fork that sleeps", "if os.fork() == 0: time.sleep(60)"),
    Hostile("a child process", "subprocess.Popen(['sleep', '60'])"),
    Hostile("a zombie", "if os.fork() == 0: os._exit(0)"),
    Hostile("atexit handlers", "atexit.register(os._exit, 9)\natexit.register(print, 'never seen')"),
    Hostile("a leak", "keep.append(np.ones(2**23))"),
    Hostile("leaked descriptors", "keep.extend(open(os.devnull) for _ in range(200))"),
    Hostile("a tracer", "sys.settrace(lambda *_: None)"),
    Hostile("a profiler", "sys.setprofile(lambda *_: None)"),
    Hostile("collector off", "gc.disable(); gc.set_threshold(1)"),
    Hostile("another folder", "os.chdir('/')"),
    Hostile("a folder that is gone", "d = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)"),
    Hostile("umask", "os.umask(0o777)"),
    Hostile("environment", "os.environ.update(HOSTILE='1', TZ='Asia/Tokyo'); time.tzset()"),
    Hostile("environment cleared", "os.environ.clear()"),
    Hostile("locale", "locale.setlocale(locale.LC_ALL, 'C.UTF-8')"),
    Hostile("sys.path", "sys.path[:] = []\nsys.meta_path.clear()\nsys.path_hooks = []"),
    Hostile("recursion limit", "sys.setrecursionlimit(150)"),
    Hostile("lower limits", "resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))"),
    Hostile("lower priority", "os.nice(5)"),
    Hostile("fewer cores", "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"),
    Hostile("closed output", "os.close(1); os.close(2)"),
    Hostile("reused output", "os.close(1); os.open(os.devnull, os.O_RDONLY)"),
    Hostile("sys.stdout", "sys.stdout = sys.stderr = None"),
    Hostile("a flood of output", "for _ in range(2000): os.write(1, b'x' * 100)"),
    Hostile("import hooks", "sys.meta_path.insert(0, None)"),
]
"""What a strategy may leave behind."""

LIBRARIES = [
    Hostile("numpy function", "np.mean = lambda *a, **k: 1.0", "replaced numpy.mean"),
    Hostile("numpy function removed", "del np.sign", "replaced numpy.sign"),
    Hostile("numpy submodule", "np.linalg.norm = None", "replaced numpy.linalg.norm"),
    Hostile("builtin", "import builtins\nbuiltins.sum = lambda *a: 7", "replaced builtins.sum"),
    Hostile(
        "all builtins",
        "import builtins\nfor n in list(vars(builtins)):\n    if n[0].islower(): vars(builtins)[n] = None",
        "(replaced builtins|ended its process|raised TypeError)",
    ),
    Hostile("math", "import math\nmath.sqrt = math.sin", "replaced math.sqrt"),
    Hostile("time", "time.time = time.perf_counter = lambda: 0.0", "replaced time"),
    Hostile("json", "import json\njson.dumps = lambda *a, **k: ''", "replaced json.dumps"),
    Hostile("random", "random.random = lambda: 0.5", "replaced random.random"),
    Hostile("os", "os.getpid = lambda: 1\nos._exit = os.close = None", "replaced (os|posix)"),
    Hostile("pyarrow", "import pyarrow\npyarrow.array = None", "replaced pyarrow.array"),
    Hostile("a library that nobody watches", "import colorsys\ncolorsys.hsv_to_rgb = None"),
    Hostile(
        "the engine", "import necrozma_core.engine.simulation as s\ns.simulate_events = None", "replaced necrozma_core"
    ),
    Hostile("the costs", "import necrozma_core.money.costs as c\nc.price_trades = None", "replaced necrozma_core"),
    Hostile("a class of ours", "type(bars).mid_close = property(lambda b: b.bid_close)", r"replaced .*Bars\.mid_close"),
    Hostile("sys.modules", "sys.modules['numpy'] = sys", r"replaced sys\.modules\['numpy'\]"),
    Hostile("sys.modules cleared", "sys.modules.clear()", r"(replaced sys\.modules|raised)"),
    Hostile("numpy errors", "np.seterr(all='raise'); np.setbufsize(16)"),
    Hostile("numpy error callback", "np.seterrcall(print); np.seterr(all='call')"),
    Hostile("warnings are errors", "warnings.simplefilter('error')\nwarnings.showwarning = None"),
    Hostile("random seed", "random.seed(1); np.random.seed(1)"),
    Hostile("random numbers drawn", "random.random(); np.random.random(1000)"),
    Hostile("decimal context", "decimal.getcontext().prec = 2"),
    Hostile("rounding upwards", "ctypes.CDLL('libm.so.6').fesetround(0x800)", "changed how the processor rounds"),
    Hostile("rounding to zero", "ctypes.CDLL('libm.so.6').fesetround(0xc00)", "changed how the processor rounds"),
]
"""What a strategy may do to libraries."""

ARRAYS = [
    Hostile("writes into bars", "bars.mid_close[:] = 1", "raised ValueError: assignment destination is read-only"),
    Hostile("flags.writeable", "bars.mid_close.flags.writeable = True", "raised ValueError: cannot set WRITEABLE flag"),
    Hostile(
        "flags of the base",
        "base = bars.bid_points\nwhile isinstance(base.base, np.ndarray): base = base.base\nbase.setflags(write=True)",
        "raised ValueError: cannot set WRITEABLE flag",
    ),
    Hostile("ctypes.memset", "a = bars.mid_close; ctypes.memset(a.ctypes.data, 0, a.nbytes)", "changed the bars"),
    Hostile("ctypes.memset of points", "a = bars.mid2_points; ctypes.memset(a.ctypes.data, 0, 8)", "changed the bars"),
    Hostile("ctypes.memset of a thread", "threading.Timer(0.01, scribble, (bars.mid_close,)).start()"),
    Hostile("memoryview", "memoryview(bars.mid_close)[0] = 1.0", "raised TypeError: cannot modify read-only memory"),
    Hostile("np.frombuffer", "np.frombuffer(bars.mid_close, np.float64)[:] = 1", "raised ValueError"),
    Hostile(
        "as_strided",
        "np.lib.stride_tricks.as_strided(bars.mid_close, writeable=True)[0] = 1",
        "(raised ValueError|changed the bars)",
    ),
    Hostile("ufunc out=", "np.negative(bars.mid_close, out=bars.mid_close)", "raised ValueError"),
    Hostile("np.copyto", "np.copyto(bars.tick_count, 0)", "raised ValueError"),
    Hostile("sort in place", "bars.mid_close.sort()", "raised ValueError"),
    Hostile("an attribute of bars", "bars.digits = 1", "raised (FrozenInstanceError|AttributeError|TypeError)"),
    Hostile("object.__setattr__", "object.__setattr__(bars, 'digits', 1)", "changed the bars"),
    Hostile("bars in the remembered ones", "bars.remember('x', lambda: np.ones(3))[0] = 2", "raised ValueError"),
    Hostile("keeps the bars for later", "keep.append((bars, bars.mid_close))"),
    Hostile("returns a view of bars", "return bars.tick_count", "returned 5 at bar"),
    Hostile(
        "returns an array that is changed later",
        "keep.append(ok(bars)); threading.Timer(0.01, keep[-1].fill, (0,)).start(); return keep[-1]",
    ),
    Hostile("masked", "return np.ma.masked_array(ok(bars), True)", "returned a masked array"),
    Hostile("read-only", "r = ok(bars); r.flags.writeable = False; return r"),
    Hostile("int64", "return ok(bars).astype(np.int64)"),
    Hostile("reversed twice", "return ok(bars)[::-1][::-1]"),
    Hostile("too short", "return ok(bars)[1:]", "returned shape"),
    Hostile("too long", "return np.zeros(len(bars) + 1, np.int8)", "returned shape"),
    Hostile("two dimensions", "return ok(bars).reshape(1, -1)", "returned shape"),
    Hostile("NaN", "return np.full(len(bars), np.nan)", "returned NaN at bar 0"),
    Hostile("infinity", "return np.full(len(bars), np.inf)", "returned dtype float64"),
    Hostile("floats", "return ok(bars).astype(float)", "returned dtype float64"),
    Hostile("bools", "return ok(bars) > 0", "returned dtype bool"),
    Hostile("objects", "return ok(bars).astype(object)", "returned dtype object"),
    Hostile("out of range", "return ok(bars) * 5", "returned 5 at bar 0"),
    Hostile("256", "return ok(bars).astype(int) * 256", "returned 256 at bar 0"),
    Hostile("a generator", "return (int(x) for x in ok(bars))", "returned a generator"),
    Hostile("a coroutine", "async def later(): return ok(bars)\nreturn later()", "returned a coroutine"),
    Hostile("a list", "return ok(bars).tolist()", "returned a list"),
    Hostile("None", "return None", "returned a NoneType"),
    Hostile("an array of a class of its own", "return ok(bars).view(Lying)", "(raised|returned)"),
    Hostile("another answer each time", "return (np.frombuffer(os.urandom(len(bars)), np.uint8) % 2).astype(np.int8)"),
    Hostile("an allocation bomb", "np.ones(2**45)", "raised (_ArrayMemoryError|MemoryError)"),
    Hostile(
        "writes into all descriptors",
        "for n in range(3, 30):\n    try: os.write(n, b'x' * 64)\n    except OSError: pass",
        "wrote into descriptors",
    ),
    Hostile("closes all descriptors", "os.closerange(3, 1000)", "closed descriptors"),
    Hostile(
        "changes a class beneath others",
        "type(bars).__len__ = lambda b: 3",
        r"(replaced .*Bars\.__len__|returned shape)",
    ),
]
"""What a strategy may do with bars, and what it may return."""

DISTANCES = [
    Hostile("distances: as they should be", "return np.full(len(bars), 7)"),
    Hostile("distances: an error", "raise ValueError('none')", "raised ValueError: none"),
    Hostile("distances: sys.exit", "sys.exit(3)", "raised SystemExit: 3"),
    Hostile("distances: os._exit", "os._exit(3)", "ended its process with status 3"),
    Hostile("distances: numpy function", "np.mean = None", "replaced numpy.mean"),
    Hostile("distances: writes into bars", "bars.mid_close[:] = 1", "raised ValueError: assignment destination"),
    Hostile("distances: NaN", "return np.full(len(bars), np.nan)", "returned nan at bar 0"),
    Hostile("distances: below zero", "return -np.ones(len(bars))", "returned -1 at bar 0"),
    Hostile("distances: too short", "return np.ones(len(bars) - 1)", "returned shape"),
    Hostile("distances: objects", "return np.ones(len(bars), object)", "returned dtype object"),
    Hostile("distances: a list", "return [1.0] * len(bars)", "returned a list"),
    Hostile(
        "distances: writes into all descriptors",
        "for n in range(3, 30):\n    try: os.write(n, b'x' * 64)\n    except OSError: pass",
        "wrote into descriptors",
    ),
]
"""The same where a strategy says how far its stops are: these are bodies of ``stop_distances(bars)``."""

HOSTILE = ENDINGS + LEFTOVERS + LIBRARIES + ARRAYS + DISTANCES

FILE = '''
import atexit, ctypes, decimal, gc, hashlib, json, locale, math, os, random, resource, signal, subprocess, sys
import tempfile, threading, time, warnings
import numpy as np
from necrozma_core.engine.orders import Orders
from necrozma_core.strategies import indicators
from necrozma_core.strategies.families.sma_cross import SmaCross

random.seed(5)
np.random.seed(5)
decimal.getcontext().prec = 20
keep = []

class Untellable(Exception):
    def __str__(self): raise ValueError

class Lying(np.ndarray):
    @property
    def shape(self): raise KeyboardInterrupt

class Fixed:
    params = {}
    stop_loss_pips = 5.0
    take_profit_pips = 9.0
    def __init__(self, name, make): self.name, self.make = name, make
    def signals(self, bars): return self.make(bars)

class Distant(Fixed):
    stop_loss_pips = None
    trailing_stop_pips = 8
    def signals(self, bars): return ok(bars)
    def stop_distances(self, bars): return self.make(bars)

def spin():
    while True: pass

def scribble(array):
    ctypes.memset(array.ctypes.data, 0, array.nbytes)

def ok(bars):
    signals = np.zeros(len(bars), np.int8)
    signals[::10] = 1
    return signals

%(hostile)s

def computing(bars):
    direction = np.sign(np.diff(bars.mid_close, prepend=bars.mid_close[:1]))
    smooth = np.convolve(direction, np.ones(5) / 5, 'same')
    away = smooth - np.mean(smooth)
    far = np.abs(away) > np.std(away) + 0 * np.linalg.norm(away)
    with np.errstate(all='ignore'):
        away / np.zeros(len(away))
    return np.where(far, np.sign(away), 0).astype(np.int8)

def drawing(bars):
    own = np.random.default_rng(3).integers(-1, 2, len(bars))
    return ((np.random.randint(-1, 2, len(bars)) * own) * (1 if random.random() < 0.9 else -1)).astype(np.int8)

def plain(bars):
    closes = bars.mid_close.tolist()
    level = sum(closes) / len(closes) + math.sqrt(0.0) + float(decimal.Decimal(1) / decimal.Decimal(3)) * 1e-9
    return np.array([(x > level) - (x < level) for x in sorted(closes)], np.int8)

def noticing(bars):
    """Signals made of whatever it finds around it, so that any change there is another answer."""
    seen = [
        np.geterr(), np.geterrcall(), np.getbufsize(), sys.getrecursionlimit(), os.getcwd(),
        sorted(item for item in os.environ.items() if 'PYTEST' not in item[0]),
        locale.setlocale(locale.LC_ALL), decimal.getcontext().prec, sys.gettrace(), sys.getprofile(), gc.isenabled(),
        gc.get_threshold(), len(sys.path), len(sys.meta_path), len(warnings.filters), time.tzname,
        [str(signal.getsignal(number)) for number in signal.Signals], signal.getitimer(signal.ITIMER_REAL),
        len(signal.pthread_sigmask(signal.SIG_BLOCK, ())), threading.active_count(), os.sched_getaffinity(0),
        os.getpriority(os.PRIO_PROCESS, 0), resource.getrlimit(resource.RLIMIT_NOFILE), os.umask(0o22), os.umask(0o22),
        json.dumps([1.5]), 1.0 + 2.0 ** -60 * len(bars), bars.digits, bars.tick_count.sum(), len(bars),
    ]
    seed = int(hashlib.sha256(repr(seen).encode()).hexdigest()[:8], 16)
    time.sleep(0.02)
    return np.random.default_rng(seed).integers(-1, 2, len(bars))

def shared(bars):
    rsi = bars.remember('rsi', lambda: indicators.rsi(bars, 14) + 0)
    return (rsi < 30).astype(np.int8) - (rsi > 70).astype(np.int8)

def strategies():
    honest = [computing, drawing, plain, noticing, shared]
    listed = [Fixed(make.__name__, make) for make in honest]
    for number, (name, make) in enumerate(%(listed)s):
        if make is not None:
            listed.append((Distant if 'distances' in name else Fixed)(name, make))
        for make in dict.fromkeys([noticing, honest[number %% len(honest)]]):
            listed.append(Fixed(f'{make.__name__} after {name}', make))
    ours = SmaCross(5, 20, orders=Orders(stop_loss_atr=2, max_bars=50))
    return [*listed, ours, *(Fixed(f'{make.__name__} at last', make) for make in honest)]
'''


def hostile_file(rows: list[Hostile], are_run: bool = True) -> str:
    """Return the text of a file of honest strategies, with hostile ones between them or only their places."""
    functions = []
    listed = []
    for number, row in enumerate(rows):
        body = "".join(f"    {line}\n" for line in row.body.splitlines())
        functions.append(f"def hostile_{number}(bars):\n{body}    return ok(bars)\n")
        listed.append(f"({row.name!r}, {f'hostile_{number}' if are_run else None})")
    return FILE % {"hostile": "\n".join(functions), "listed": f"[{', '.join(listed)}]"}
