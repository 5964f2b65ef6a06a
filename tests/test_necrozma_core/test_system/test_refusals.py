"""What the system refuses is named, with what to do; what it does not refuse is left alone."""

import errno
import os
import re

import pytest

from necrozma_core.system.refusals import explain_no_worker, explain_refusal


def _refusal(number, filename=None):
    return OSError(number, os.strerror(number), filename)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (_refusal(errno.EMFILE, "/data/EURUSD"), r"ulimit -n.*/data/EURUSD"),
        (_refusal(errno.ENFILE), "whole system"),
        (_refusal(errno.EAGAIN), "ulimit -u"),
        (_refusal(errno.ENOMEM), "ulimit -v"),
        (_refusal(errno.ENOSPC, "/tmp/x"), r"/tmp/x: No space left.*make room there"),
        (_refusal(errno.EROFS), "XDG_CACHE_HOME"),
        (MemoryError(), "ulimit -v"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (ImportError("libarrow.so: failed to map segment from shared object"), "ulimit -v"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "TMPDIR"),
    ],
)
def test_refusal_is_named_with_its_remedy(error, remedy):
    said = explain_refusal(error)

    assert said is not None
    assert re.search(remedy, said)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "no such file", "/data"),
        RuntimeError("a bug"),
        ImportError("no module"),
        ValueError("full"),
    ],
)
def test_error_of_another_kind_is_no_refusal(error):
    assert explain_refusal(error) is None


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES, errno.ENOENT])
def test_semaphore_that_is_refused_names_the_folder_that_the_system_does_not_name(number):
    said = explain_no_worker(_refusal(number))

    assert "/dev/shm" in said
    assert os.strerror(number) in said


def test_process_that_is_refused_names_the_limit():
    assert "ulimit -u" in explain_no_worker(_refusal(errno.EAGAIN))
    assert "ulimit -u" in explain_no_worker(RuntimeError("can't start new thread"))
    assert "ulimit -n" in explain_no_worker(_refusal(errno.EMFILE))
