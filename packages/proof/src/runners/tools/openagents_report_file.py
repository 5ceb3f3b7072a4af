# One report, in a file of its own: what the Python reporters write to.
#
# The reporters live in the process of the code under test, so this is held
# against printing, early exits and stray files, not against code that looks for
# it. Records are appended as they come, so that a run that is cut short still
# shows how far it came; at the end the file is written anew from memory with its
# end mark; if it does not lie in its place any more, a mark is left that spoils
# the folder.

import json
import os
import types

NESTED = "OPENAGENTS_REPORT_NESTED"


class Report:
    def __init__(self, runner, path, fd):
        self._path, self._fd, self._pid = path, fd, os.getpid()
        self._lines = []
        self._append({"start": runner})

    def test(self, names, outcome):
        self._append({"test": [str(name) for name in names], "outcome": outcome})

    def error(self, names):
        self._append({"error": [str(name) for name in names]})

    def end(self):
        # A child that was forked off within a test may run on to here too.
        if os.getpid() != self._pid:
            return
        try:
            self._lines.append(_line({"end": len(self._lines) - 1}))
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
            _write(self._fd, b"".join(self._lines))
            ours, there = os.fstat(self._fd), os.lstat(self._path)
            os.close(self._fd)
            if (ours.st_dev, ours.st_ino, ours.st_nlink) != (there.st_dev, there.st_ino, 1):
                _spoil(self._path)
        except OSError:
            _spoil(self._path)

    def _append(self, record):
        if os.getpid() != self._pid:
            return
        line = _line(record)
        self._lines.append(line)
        try:
            _write(self._fd, line)
        except OSError:
            pass


def open_report(runner):
    """A report, or None: without a folder, and within a run that is reported already."""
    folder = os.environ.get("OPENAGENTS_REPORT_FOLDER")
    if not folder or os.environ.get(NESTED):
        return None
    os.environ[NESTED] = "1"
    path = os.path.join(folder, "%s-%s.jsonl" % (runner, os.urandom(16).hex()))
    try:
        return Report(runner, path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400))
    except OSError:
        return None


def reported_path(path):
    """The file as tests are named by it: from the root of the work tree, with links followed."""
    root = os.path.realpath(os.environ.get("OPENAGENTS_REPORT_ROOT") or os.getcwd())
    return os.path.relpath(os.path.realpath(path), root)


class Held:
    """The functions of modules, and of the classes in them, as they are now, to find those that were replaced."""

    def __init__(self, modules):
        self._owners = list(modules)
        for module in modules:
            classes = [value for value in vars(module).values() if isinstance(value, type)]
            self._owners.extend(one for one in classes if one.__module__ == module.__name__)
        self._was = [_functions_of(owner) for owner in self._owners]

    def replaced(self):
        """The names of those that are others now, of which none may be: they decide what passes."""
        names = []
        for owner, was in zip(self._owners, self._was):
            now = _functions_of(owner)
            where = getattr(owner, "__qualname__", owner.__name__)
            names.extend("%s.%s" % (where, name) for name in was if now.get(name) != was[name])
        return names


def _functions_of(owner):
    functions = {}
    for name, value in list(vars(owner).items()):
        plain = getattr(value, "__func__", value)
        if isinstance(plain, types.FunctionType):
            functions[name] = (id(value), id(plain.__code__))
        elif isinstance(value, (type, property)):
            functions[name] = (id(value), 0)
    return functions


def _spoil(path):
    """A file by a name that no report has, so that the folder as a whole counts for nothing."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.path.join(os.path.dirname(path), "spoiled"), "w"):
            pass
    except OSError:
        # Nobody can write here; then nobody can have put another report here either.
        pass


def _line(record):
    return (json.dumps(record) + "\n").encode("ascii")


def _write(fd, data):
    while data:
        data = data[os.write(fd, data) :]
