"""What every test can rely on."""

import signal

# Where a shell started the tests in the background, interrupts are ignored, and so they would be by every program
# that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
