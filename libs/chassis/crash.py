"""Named places where a test can kill the process, as a power cut would."""

import os
import signal

_NAME, _, _AFTER = os.environ.get("QUARTERMASTER_CRASH_AT", "").partition(":")
_passed = 0


def crash_point(name: str) -> None:
    """Die here by SIGKILL on the n-th pass if QUARTERMASTER_CRASH_AT=name:n says so; otherwise nothing."""
    global _passed
    if name != _NAME:
        return
    _passed += 1
    if _passed >= int(_AFTER or 1):
        os.kill(os.getpid(), signal.SIGKILL)
