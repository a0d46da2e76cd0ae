#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The namespace tests: run.py [WORD ...] runs the cases with one of the words in their title or file."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
import test_matrix  # noqa: E402,F401
import test_doctor  # noqa: E402,F401
import test_flows  # noqa: E402,F401
import test_language  # noqa: E402,F401
import test_language_time  # noqa: E402,F401
import test_next_packet  # noqa: E402,F401
import test_host  # noqa: E402,F401
import test_kill  # noqa: E402,F401
import test_enrol  # noqa: E402,F401
if not harness.IN_VM:  # pages, requests and bad input are the same under every kernel, and slow where it is emulated
    import test_language_events  # noqa: E402,F401
    import test_language_commands  # noqa: E402,F401
    import test_replay  # noqa: E402,F401
    import test_bad_input  # noqa: E402,F401
    import test_web  # noqa: E402,F401
    import test_web_access  # noqa: E402,F401
import test_port  # noqa: E402,F401
import test_homes  # noqa: E402,F401
import test_hubs  # noqa: E402,F401
if not harness.IN_VM:
    import test_language_hubs  # noqa: E402,F401
import test_mesh  # noqa: E402,F401
import test_attacker  # noqa: E402,F401
if not harness.IN_VM:
    import test_attacker_web  # noqa: E402,F401
    import test_attacker_session  # noqa: E402,F401

if __name__ == "__main__":
    sys.exit(harness.main(sys.argv[1:]))
