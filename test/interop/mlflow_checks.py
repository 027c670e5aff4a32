"""What the scripts that set MLflow's own Python client on a registry of ours have in common."""

import json
import time

from mlflow.exceptions import MlflowException

CHECKS = []


def check(what):
    """Takes a function as a check."""
    return lambda function: CHECKS.append((what, function))


def same(seen, wanted):
    if seen != wanted:
        raise AssertionError(f"saw {seen!r}, wanted {wanted!r}")


def refused(code, call, message=""):
    """That the call fails with this code, and at once: the client tries again for ever what it takes for a failing server."""
    began = time.monotonic()
    try:
        call()
    except MlflowException as error:
        same(error.error_code, code)
        if message not in str(error):
            raise AssertionError(f"the message is {error}")
    else:
        raise AssertionError("it was not refused")
    if time.monotonic() - began > 2:
        raise AssertionError("the client tried again")


def tell():
    """Does all checks: one line of JSON for each thing that the client was seen to do."""
    for what, function in CHECKS:
        try:
            function()
            answer = {"what": what}
        except Exception as error:  # whatever it is, it is the answer
            answer = {"what": what, "why": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
