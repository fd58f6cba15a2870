# SPDX-License-Identifier: Apache-2.0
"""Network namespaces that stand for separate machines: node1 ... nodeN, joined by a bridge; needs root and iproute2.

    with Namespaces(2) as net:
        net.cut(1)      # packets to and from node 1 vanish
        net.heal(1)
        net.limit(200)  # Mbit/s
"""
import os
import pathlib
import shutil
import subprocess
import tempfile


def ip(*args):
    subprocess.run(["ip", *map(str, args)], check=True, capture_output=True)


class Namespaces:
    def __init__(self, count):
        self.count = count
        self.tag = f"g{os.getpid() % 10000:04d}"
        self.prefix = f"10.{64 + os.getpid() % 64}.{os.getpid() // 64 % 256}"
        self.server = f"{self.prefix}.1"
        self.folder = None

    @staticmethod
    def missing():
        """Why there can be none here; empty where there can."""
        if os.geteuid() != 0:
            return "network namespaces need root"
        if shutil.which("ip") is None or shutil.which("nsenter") is None:
            return "there is no iproute2"
        probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True)
        return f"no network namespaces: {probe.stderr.strip()}" if probe.returncode else ""

    def name(self, node):
        return f"{self.tag}n{node}"

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gradus-netns-"))
        ip("link", "add", self.tag, "type", "bridge")
        ip("addr", "add", f"{self.server}/24", "dev", self.tag)
        ip("link", "set", self.tag, "up")
        for node in range(1, self.count + 1):
            name = self.name(node)
            ip("netns", "add", name)
            ip("link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}h", "master", self.tag, "up")
            for command in (["link", "set", "lo", "up"], ["addr", "add", f"{self.prefix}.{10 + node}/24", "dev", "eth0"],
                            ["link", "set", "eth0", "up"]):
                ip("-n", name, *command)
        return self

    def __exit__(self, *_):
        for node in range(1, self.count + 1):
            subprocess.run(["ip", "netns", "del", self.name(node)], capture_output=True)
        subprocess.run(["ip", "link", "del", self.tag], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def cut(self, node):
        ip("link", "set", f"{self.name(node)}h", "down")

    def heal(self, node):
        ip("link", "set", f"{self.name(node)}h", "up")

    def limit(self, megabits):
        """Of each node, into it and out of it."""
        rate = ["root", "tbf", "rate", f"{megabits}mbit", "burst", "256kb", "latency", "100ms"]
        for node in range(1, self.count + 1):
            name = self.name(node)
            subprocess.run(["tc", "qdisc", "replace", "dev", f"{name}h", *rate], check=True, capture_output=True)
            subprocess.run(["tc", "-n", name, "qdisc", "replace", "dev", "eth0", *rate], check=True, capture_output=True)

    def of_process(self, pid):
        here = os.readlink(f"/proc/{pid}/ns/net")
        for node in range(1, self.count + 1):
            inode = os.stat(f"/run/netns/{self.name(node)}").st_ino
            if here == f"net:[{inode}]":
                return node
        raise LookupError(f"process {pid} is on no node")

    def wrapper(self, program):
        """A shell script that runs ranks of `program` on the nodes in turn; all else stays here."""
        return f"""#!/bin/sh
[ $# -eq 0 ] || exec {program} "$@"
node=$(flock {self.folder}/turn sh -c 'n=$(($(cat "$0" 2>/dev/null || echo 0) % {self.count} + 1)); echo $n >"$0"; echo $n' {self.folder}/last)
exec nsenter --net=/run/netns/{self.tag}n$node {program}
"""
