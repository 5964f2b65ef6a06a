"""Locks on files that end with their process, however it ends. There is no portable call: each kind has its own."""

import sys

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _EXCLUSIVE = 0x2
    _AT_ONCE = 0x1
    _LOCK_VIOLATION = 33
    _FAR = 1 << 30
    """High half of the offset. Windows keeps others from reading locked bytes, and files of ours are shorter."""

    class _Overlapped(ctypes.Structure):
        _fields_ = (
            ("Internal", ctypes.c_void_p),
            ("InternalHigh", ctypes.c_void_p),
            ("Offset", wintypes.DWORD),
            ("OffsetHigh", wintypes.DWORD),
            ("hEvent", wintypes.HANDLE),
        )

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel.LockFileEx.argtypes = (
        wintypes.HANDLE,
        wintypes.DWORD,
        wintypes.DWORD,
        wintypes.DWORD,
        wintypes.DWORD,
        ctypes.POINTER(_Overlapped),
    )
    _kernel.LockFileEx.restype = wintypes.BOOL

    def lock_file(descriptor: int, *, shared: bool = False, wait: bool = False) -> bool:
        """Lock an open file until its descriptor is closed or the process ends.

        Parameters
        ----------
        descriptor : int
        shared : bool
            Others may hold it as well, if theirs is shared too.
        wait : bool
            Wait for the others to let go.

        Returns
        -------
        bool
            False where somebody else holds it and we do not wait.

        Raises
        ------
        OSError
            The file system has no locks.
        """
        flags = (0 if shared else _EXCLUSIVE) | (0 if wait else _AT_ONCE)
        overlapped = _Overlapped(OffsetHigh=_FAR)
        if _kernel.LockFileEx(msvcrt.get_osfhandle(descriptor), flags, 0, 1, 0, ctypes.byref(overlapped)):
            return True
        if ctypes.get_last_error() == _LOCK_VIOLATION:
            return False
        raise ctypes.WinError(ctypes.get_last_error())

else:
    import fcntl

    def lock_file(descriptor: int, *, shared: bool = False, wait: bool = False) -> bool:
        """Lock an open file until its descriptor is closed or the process ends.

        Parameters
        ----------
        descriptor : int
        shared : bool
            Others may hold it as well, if theirs is shared too.
        wait : bool
            Wait for the others to let go.

        Returns
        -------
        bool
            False where somebody else holds it and we do not wait.

        Raises
        ------
        OSError
            The file system has no locks.
        """
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
