"""Rules of ours that schemathesis does not know."""

import schemathesis


@schemathesis.check
def unavailable_says_when(ctx, response, case):
    """What cannot be reached is no fault if the client hears when to try again."""
    if response.status_code == 503 and "retry-after" not in response.headers:
        raise AssertionError("503 without `Retry-After`")
