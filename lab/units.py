# SPDX-License-Identifier: Apache-2.0
"""What the lab needs of systemd's unit files: the same command lines, directories and restarts as on a real host."""
import glob
import os
import shlex


class Unit:
    """One .service file."""

    def __init__(self, path):
        self.name = os.path.basename(path).removesuffix(".service")
        self.values = {}
        with open(path, encoding="utf-8") as file:
            for line in file:
                key, equals, value = line.strip().partition("=")
                if equals and not line.startswith(("#", "[")):
                    self.values.setdefault(key, []).append(value)

    def get(self, key, default=""):
        return self.values.get(key, [default])[-1]

    @property
    def argv(self):
        return shlex.split(self.get("ExecStart"))

    @property
    def wants(self):
        return [name.removesuffix(".service") for name in self.get("Wants").split()]

    @property
    def oneshot(self):
        return self.get("Type") == "oneshot"

    @property
    def runtime_directories(self):
        return ["/run/" + d for d in self.get("RuntimeDirectory").split()]

    @property
    def condition(self):
        return self.get("ConditionPathExists")

    def restarts_after(self, status):
        """Would systemd start it again after this exit status (negative: signal)?"""
        return {"always": True, "on-failure": status != 0}.get(self.get("Restart", "no"), False)

    def seconds(self, key, default="90s"):
        text = self.get(key, default)
        return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


def load(directory):
    """All units of a directory in an order that satisfies After=."""
    units = {u.name: u for u in map(Unit, sorted(glob.glob(directory + "/*.service")))}
    order = []

    def add(name):
        unit = units[name]
        if unit in order:
            return
        for other in unit.get("After").split():
            if other.removesuffix(".service") in units:
                add(other.removesuffix(".service"))
        order.append(unit)

    for name in units:
        add(name)
    return order
