import errno
import os
import threading

import pytest

from necrozma_core.errors import StorageError
from necrozma_core.workers.cache import KernelCache


@pytest.fixture
def cache(tmp_path):
    return KernelCache(tmp_path / "necrozma")


def _compile(cache, name="bars.nbc", code=b"machine code"):
    folder = cache.folder / "kernels_1"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(code)
    return folder / name


def test_cache_folder_is_the_users_alone(cache):
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    assert cache.environment() == {"NUMBA_CACHE_DIR": str(cache.folder)}


@pytest.mark.posix
def test_cache_folder_open_to_others_is_refused(cache, tmp_path):
    cache.folder.chmod(0o770)

    with pytest.raises(StorageError, match=r"mode 0700.*found mode 0770"):
        _ = KernelCache(tmp_path / "necrozma").folder


def test_cache_folder_that_is_a_link_is_refused(cache, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    cache.folder.rmdir()
    cache.folder.symlink_to(elsewhere)

    with pytest.raises(StorageError, match="0700"):
        _ = KernelCache(tmp_path / "necrozma").folder


def test_cache_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "necrozma").write_text("a file")

    with pytest.raises(StorageError, match="cannot keep compiled kernels there: File exists"):
        _ = KernelCache(tmp_path / "necrozma").folder


def test_cache_empty_is_not_sealed(cache):
    assert not cache.is_sealed()
    cache.seal()
    assert not cache.is_sealed()


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_cache_kernel_damaged_breaks_the_seal(cache, damage):
    kernel = _compile(cache)
    cache.seal()
    assert cache.is_sealed()

    if damage == "flip":
        kernel.write_bytes(b"machine c0de")
    elif damage == "truncate":
        os.truncate(kernel, 3)
    else:
        kernel.unlink()
    assert not cache.is_sealed()


def test_cache_that_the_system_does_not_let_us_read_is_not_broken(cache, monkeypatch):
    _compile(cache)
    cache.seal()

    def refuse(path):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("necrozma_core.workers.cache._sha256", refuse)
    with pytest.raises(StorageError, match="ulimit -n"):
        cache.check()


def test_cache_is_compiled_by_one_run_at_a_time(cache):
    entered = threading.Event()

    def compile_too():
        with KernelCache(cache.folder.parents[1]).compiling():
            entered.set()

    second = threading.Thread(target=compile_too)
    with cache.compiling():
        second.start()
        assert not entered.wait(0.2)
    second.join()
    assert entered.is_set()


def test_cache_kernels_of_a_user_do_not_break_the_seal(cache):
    _compile(cache)
    cache.seal()
    _compile(cache, "mine.nbc")

    assert cache.is_sealed()


def test_cache_wiped_is_empty_and_usable(cache):
    _compile(cache)
    cache.seal()
    cache.wipe()

    assert list(cache.folder.iterdir()) == []
    assert not cache.is_sealed()


def test_cache_sweep_removes_only_versions_long_unused(cache):
    old, recent = (cache.folder.parent / name for name in ("old", "recent"))
    for folder in (old, recent):
        folder.mkdir()
    os.utime(old, (0, 0))
    cache.sweep()

    assert sorted(path.name for path in cache.folder.parent.iterdir()) == sorted(["recent", cache.folder.name])
