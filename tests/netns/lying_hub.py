#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs as root of a captured hub, whose filters on the mesh's interface are off: says what it likes to another hub.

    lying_hub.py INTERFACE    each line of input is JSON: what differs from an honest frame; prints a line when it is sent

Keys: outer_source, outer_destination, identity, trust, source, destination (of the inner packet), port, words; raw: hex of
a whole frame. The inner packet is UDP from source to destination, the words what it says.
"""
import ipaddress
import json
import socket
import struct
import sys

ETH_IP, ETH_IPV6 = 0x0800, 0x86dd


def total(data):
    data += b"\0" * (len(data) % 2)
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value >> 16) + (value & 0xffff)
    return ~value & 0xffff


def ip(source, destination, protocol, payload, hops):
    source, destination = ipaddress.ip_address(source).packed, ipaddress.ip_address(destination).packed
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + source + destination + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, hops, protocol, 0) + source + destination
    return head[:10] + struct.pack("!H", total(head)) + head[12:] + payload


def udp(source, destination, port, data):
    ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    datagram = struct.pack("!HHHH", 40000, port, 8 + len(data), 0) + data
    check = total(ends + struct.pack("!II" if len(ends) == 32 else "!HH", *((len(datagram), 17) if len(ends) == 32
                                                                            else (17, len(datagram)))) + datagram)
    return datagram[:6] + struct.pack("!H", check or 0xffff) + datagram[8:]


def frame(f):
    kind = ETH_IPV6 if ":" in f["source"] else ETH_IP
    inner = ip(f["source"], f["destination"], 17, udp(f["source"], f["destination"], f["port"], f["words"].encode()), 63)
    gre = struct.pack("!HHI", 0x2000, kind, f["identity"] << 8 | f["trust"])
    return ip(f["outer_source"], f["outer_destination"], 47, gre + inner, 64)


def main():
    door = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    for line in sys.stdin:
        f = json.loads(line)
        data = bytes.fromhex(f["raw"]) if "raw" in f else frame(f)
        door.sendto(data, (sys.argv[1], ETH_IPV6 if data[0] >> 4 == 6 else ETH_IP))
        print("sent", flush=True)


if __name__ == "__main__":
    main()
