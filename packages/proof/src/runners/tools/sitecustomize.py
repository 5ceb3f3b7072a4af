# Reports a run of unittest. Python imports this at start, before any code of the
# project; it waits for `unittest` to be imported and costs nothing until then.

import collections
import importlib.machinery
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


class _Watch:
    """Finds nothing itself: adds to `unittest.main` and `unittest.runner` once they are loaded."""

    def find_spec(self, name, path=None, target=None):
        wrap = {"unittest.main": _wrap_program, "unittest.runner": _wrap_runner}.get(name)
        if wrap is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            wrap(module)

        spec.loader.exec_module = exec_module
        return spec


_open = {"report": None, "running": False, "held": None}


def _report():
    if _open["report"] is None:
        from openagents_report_file import open_report

        _open["report"] = open_report("unittest")
    return _open["report"]


def _wrap_program(module):
    program = module.TestProgram
    init = program.__init__

    def __init__(self, *args, **kwargs):
        # Before test modules are imported: one that exits leaves a report without an end.
        _report()
        init(self, *args, **kwargs)

    program.__init__ = __init__
    _open["held"] = _hold_runner()


def _hold_runner():
    from unittest import case, loader, result, runner, suite

    from openagents_report_file import Held

    return Held([case, loader, result, runner, suite])


def _wrap_runner(module):
    runner = module.TextTestRunner
    run_tests = runner.run

    def run(self, test):
        # A runner within a test is part of that test.
        report = None if _open["running"] else _report()
        if report is None:
            return run_tests(self, test)
        _open["running"] = True
        recorder = _Recorder(report, test)
        make_result = self._makeResult
        self._makeResult = lambda: recorder.listen(make_result())
        try:
            result = run_tests(self, test)
        finally:
            _open["running"] = False
            self._makeResult = make_result
        recorder.end()
        _open["report"] = None
        os.environ.pop("OPENAGENTS_REPORT_NESTED", None)
        return result

    runner.run = run


class _Recorder:
    """Hears what the runner tells its result, and writes each test down once."""

    def __init__(self, report, suite):
        self._report = report
        self._waiting = collections.Counter(test.id() for test in _tests_of(suite))
        self._held_back = False

    def listen(self, result):
        heard = {
            "addSuccess": lambda test, *_: self._record(test, "passed"),
            "addError": lambda test, *_: self._record(test, "failed"),
            "addFailure": lambda test, *_: self._record(test, "failed"),
            "addSkip": lambda test, *_: self._record(test, "skipped"),
            "addExpectedFailure": lambda test, *_: self._record(test, "skipped"),
            "addUnexpectedSuccess": lambda test, *_: self._record(test, "failed"),
            "addSubTest": self._sub_test,
        }
        for name, hear in heard.items():
            setattr(result, name, _also(getattr(result, name), hear))
        return result

    def _sub_test(self, test, _subtest, error):
        if error is not None:
            self._record(test, "failed")

    def _record(self, test, outcome):
        kind = type(test).__name__
        if kind == "_ErrorHolder":
            # The set-up of a class or module: its tests are not run.
            self._held_back = True
            if outcome == "failed":
                self._report.error([test.id()])
            return
        if self._waiting[test.id()] == 0:
            # More of a test that is written down: a second failed sub-test, a clean-up.
            return
        self._waiting[test.id()] -= 1
        if kind == "_FailedTest":
            self._report.error([test.id().split("_FailedTest.", 1)[-1]])
        else:
            self._report.test(_names_of(test), outcome)

    def end(self):
        held = _open["held"]
        for name in [] if held is None else held.replaced():
            self._report.error([name + " was replaced"])
        if self._held_back or not any(self._waiting.values()):
            self._report.end()


def _also(method, hear):
    def add(*args, **kwargs):
        hear(*args)
        return method(*args, **kwargs)

    return add


def _tests_of(suite):
    # By a stack: suites nest as deep as a project likes.
    waiting = [suite]
    while waiting:
        one = waiting.pop()
        if hasattr(one, "_testMethodName") or not hasattr(one, "__iter__"):
            yield one
        else:
            waiting.extend(one)


def _names_of(test):
    from openagents_report_file import reported_path

    kind = type(test)
    method = getattr(test, "_testMethodName", None)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if method is None or file is None:
        return [test.id()]
    return [reported_path(file), *kind.__qualname__.split("."), method]


def _run_next_sitecustomize():
    elsewhere = [path for path in sys.path if os.path.abspath(path or ".") != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if os.environ.get("OPENAGENTS_REPORT_FOLDER"):
    sys.meta_path.insert(0, _Watch())
_run_next_sitecustomize()
