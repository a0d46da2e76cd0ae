#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes zones.txt beside it: zones as TZif bytes, and what Python's zoneinfo says of them.

Lines: "zone NAME HEX", and of the zone above "at UNIX OFFSET", "civil CIVIL FIRST LAST", and
"times FROM UNTIL WINDOWS = OPENINGS"; a window is days,from,to, an opening from-until. Half of the zones are as tzdata
has them (every change until 2037), half by zic -b slim, where the rule at the end says most.
"""
import io
import os
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

INFO = "/usr/share/zoneinfo"
DAY = 86400
EPOCH = datetime(1970, 1, 1)
# Name, and moments worth a look: changes of the clock, and what is odd about them.
ZONES = [
    ("Europe/Vienna", ["2026-03-29", "2026-10-25", "2054-03-29"]),
    ("Europe/Dublin", ["2026-03-29", "2026-10-25", "2061-10-30"]),
    ("America/New_York", ["2026-11-01", "2027-03-14", "2045-11-05"]),
    ("America/Los_Angeles", ["2026-11-01", "2050-03-13"]),
    ("Australia/Lord_Howe", ["2026-04-05", "2026-10-04", "2046-04-01"]),
    ("Pacific/Apia", ["2011-12-30", "2021-04-04", "1892-07-05"]),
    ("Pacific/Kwajalein", ["1993-08-21", "1969-10-01"]),
    ("America/St_Johns", ["2009-11-01", "2026-11-01"]),
    ("America/Asuncion", ["2023-03-26"]),
    ("Africa/Casablanca", ["2026-02-15", "2026-03-22", "2090-06-01"]),
    ("Asia/Kolkata", ["2026-06-01"]),
    ("Asia/Tehran", ["2022-03-22"]),
    ("Asia/Kathmandu", ["1986-01-01"]),
    ("Pacific/Chatham", ["2026-04-05", "2026-09-27"]),
    ("Pacific/Kiritimati", ["1995-01-01"]),
    ("Etc/GMT+12", ["2026-01-01"]),
    ("America/Nuuk", ["2023-03-26", "2026-03-29", "2049-10-31"]),
    ("Africa/Monrovia", ["1972-01-07"]),
    ("Antarctica/Troll", ["2026-03-29", "2026-10-25", "2052-03-31"]),
    ("America/Havana", ["2026-03-08", "2026-11-01"]),
]


def slim(name):
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["/usr/sbin/zic", "-b", "slim", "-d", out, INFO + "/tzdata.zi"], check=True,
                       stderr=subprocess.DEVNULL)
        with open(os.path.join(out, name), "rb") as file:
            return file.read()


class Zone:
    def __init__(self, data):
        self.info = ZoneInfo.from_file(io.BytesIO(data))

    def offset(self, t):
        """zoneinfo converts a moment by the C library's rules for year 1..9999; seconds of offset are kept."""
        return int((datetime.fromtimestamp(t, timezone.utc)).astimezone(self.info).utcoffset().total_seconds())

    def moments(self, civil):
        """(first, last) by the contract: in a gap its end, else what fold 0 and 1 say."""
        local = (EPOCH + timedelta(seconds=civil))
        early, late = (civil - int(local.replace(tzinfo=self.info, fold=fold).utcoffset().total_seconds())
                       for fold in (0, 1))
        if early + self.offset(early) == civil:
            return early, late
        low, high = late, early  # before and after the gap
        assert self.offset(low) < self.offset(high), (civil, low, high)
        while high - low > 1:
            middle = (low + high) // 2
            if self.offset(middle) == self.offset(low):
                low = middle
            else:
                high = middle
        return high, high

    def openings(self, windows, begin, end):
        found = []
        for days, start, stop in windows:
            for day in range(begin // DAY - 4, end // DAY + 5):
                if not days & 1 << (EPOCH + timedelta(days=day)).weekday():
                    continue
                opens = self.moments(day * DAY + start)[0]
                shuts = self.moments((day + (stop < start)) * DAY + stop)[1]
                if opens < shuts and shuts > begin and opens < end:
                    found.append((max(opens, begin), min(shuts, end)))
        merged = []
        for opens, shuts in sorted(found):
            if merged and opens <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], shuts)
            else:
                merged.append([opens, shuts])
        return merged

    def plain(self, windows, t):
        """What a person with a clock on the wall would say; None near a change of the clock."""
        if len({self.offset(t + hour * 3600) for hour in range(-50, 51)}) > 1:
            return None
        local = EPOCH + timedelta(seconds=t + self.offset(t))
        second, today, yesterday = local.hour * 3600 + local.minute * 60 + local.second, local.weekday(), \
            (local.weekday() - 1) % 7
        for days, start, stop in windows:
            if start < stop and days >> today & 1 and start <= second < stop:
                return True
            if stop < start and (days >> today & 1 and second >= start or days >> yesterday & 1 and second < stop):
                return True
        return False


def window(draw):
    kind = draw.randrange(5)
    days = draw.choice([0x7f, 0x1f, 0x60, 1 << draw.randrange(7), draw.randrange(1, 128)])
    hour = draw.choice([0, 1, 2, 3, 23, draw.randrange(24)])
    start = hour * 3600 + draw.choice([0, 0, 1800, draw.randrange(3600)])
    if kind == 0:
        return days, start, DAY
    if kind == 1:  # past midnight
        start = draw.randrange(18, 24) * 3600
        return days, start, draw.choice([1, 3600, 2 * 3600 + 1800, 3 * 3600, 6 * 3600, start - 1])
    if kind == 2:
        return days, start, start + 1
    if kind == 3:
        return 0x7f, 0, DAY
    return days, start, min(DAY, start + draw.choice([900, 3600, 4 * 3600, 8 * 3600]))


def times(zone, draw, moment):
    windows = [window(draw) for _ in range(draw.choice([1, 1, 2, 3, 5]))]
    begin = moment - draw.randrange(12 * DAY) - draw.randrange(DAY)
    end = begin + draw.randrange(8 * DAY, 25 * DAY)
    openings = zone.openings(windows, begin, end)
    for _ in range(40):
        t = draw.randrange(begin, end)
        expected = zone.plain(windows, t)
        assert expected is None or expected == any(a <= t < b for a, b in openings), (windows, t)
    return (f"times {begin} {end} " + ";".join("%x,%d,%d" % w for w in windows) + " = " +
            " ".join(f"{a}-{b}" for a, b in openings))


def vectors(name, data, moments, draw):
    zone = Zone(data)
    yield f"zone {name} {data.hex()}"
    for text in moments:
        noon = int((datetime.fromisoformat(text) - EPOCH).total_seconds())
        for hour in range(-60, 61, 4):
            yield f"at {noon + hour * 3600} {zone.offset(noon + hour * 3600)}"
        for quarter in range(-36, 140, 2):
            civil = noon + quarter * 900 + draw.choice([0, 0, -1, 1])
            yield "civil %d %d %d" % (civil, *zone.moments(civil))
        for _ in range(6):
            yield times(zone, draw, noon)
    for _ in range(30):
        t = draw.randrange(-3000000000, 9000000000)
        yield f"at {t} {zone.offset(t)}"


def main():
    draw = random.Random(5)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "zones.txt"), "w", encoding="ascii") as out:
        for i, (name, moments) in enumerate(ZONES):
            if i % 2:
                data = slim(name)
            else:
                with open(f"{INFO}/{name}", "rb") as file:
                    data = file.read()
            for line in vectors(name, data, moments, draw):
                out.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
