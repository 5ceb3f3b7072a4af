# Reports a run of pytest: a plugin, loaded by PYTEST_ADDOPTS.

import os
import unittest.case

import _pytest.assertion.rewrite
import _pytest.python
import _pytest.reports
import _pytest.runner
import pytest
from openagents_report_file import Held, open_report, reported_path

_open = {"held": None}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests():
    # Installed plugins are loaded by now and may have changed what they like; the project's code is not.
    rewriting = [_pytest.assertion, _pytest.assertion.rewrite]
    _open["held"] = Held([pytest, unittest.case, *rewriting, _pytest.python, _pytest.reports, _pytest.runner])


def pytest_configure(config):
    # A worker of pytest-xdist hands its results to the process that started it.
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    report = open_report("pytest")
    if report is not None:
        config.pluginmanager.register(_Reporter(report, config), "openagents-report")


class _Reporter:
    def __init__(self, report, config):
        self._report = report
        self._root = str(config.rootpath)
        self._phases = {}
        self._expected = None
        self._done = set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        # Only a collection that came to its end gets here.
        self._expected = {item.nodeid for item in items}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        self._expected = set(ids)

    def pytest_collectreport(self, report):
        if report.failed:
            self._report.error(self._names(report.nodeid))

    def pytest_runtest_logreport(self, report):
        outcomes = self._phases.setdefault(report.nodeid, set())
        outcomes.add(report.outcome)
        if report.when != "teardown":
            return
        del self._phases[report.nodeid]
        # A repeated test is its last time; the word is pytest-rerunfailures'.
        if "rerun" in outcomes and "failed" not in outcomes:
            return
        worst = next(one for one in ("failed", "skipped", "passed") if one in outcomes)
        self._report.test(self._names(report.nodeid), worst)
        self._done.add(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        held = _open["held"]
        for name in [] if held is None else held.replaced():
            self._report.error([name + " was replaced"])
        # Also pytest.exit() comes here, with whatever exit code it asks for.
        if self._expected is not None and self._expected <= self._done:
            self._report.end()

    def _names(self, nodeid):
        before, bracket, parameters = nodeid.partition("[")
        file, *names = before.split("::")
        if names:
            names[-1] += bracket + parameters
        return [reported_path(os.path.join(self._root, file)), *names]
