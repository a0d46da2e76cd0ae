# SPDX-License-Identifier: Apache-2.0
"""From a device of one hub to a device of the other: with its identity, and judged at both hubs."""
from harness import SLOW, attempt, case, equal, true, wait_for
import two_hubs


@case("a device of one hub reaches a device of the other: what the policy says and no more, both families")
def reach(lab, kept):
    net = two_hubs.make(kept)
    laptop, db = net["laptop"], net["db"]
    targets, wanted = [], []
    for address in (db.ipv6, db.ipv4):
        for protocol, port, good in (("tcp", 8080, True), ("udp", 9000, True), ("icmp", 0, True), ("tcp", 9999, False),
                                     ("udp", 53, False)):
            targets.append([protocol, address, port])
            wanted.append(good)
    wait_for("an answer", lambda: attempt(laptop, targets[:1])[0], 20 * SLOW)
    equal(attempt(laptop, targets), wanted, "laptop to db")
    equal(attempt(db, [["tcp", laptop.ipv6, 8080], ["icmp", laptop.ipv4, 0]]), [False, False], "db to laptop")
    equal(attempt(net["sensor"], [["tcp", db.ipv6, 9999]]), [True], "sensor to db, one hub, one owner")
