# SPDX-License-Identifier: Apache-2.0
"""A Slurm cluster of a test's own, all of whose nodes are this machine.

    with Cluster(nodes=2) as slurm:
        slurm.run("squeue")

Needs slurm-wlm and munge, installed; root, or a user who may run all three daemons for itself. By hand:

    slurm.py DIR [NODES]     brings one up in DIR, says how to reach it, and ends it when its standard input does
"""
import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DAEMONS = ("munged", "slurmctld", "slurmd")
# Where Debian has the daemons, which a user's PATH need not name.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

# Containers seldom let anybody make cgroups: processes are followed by their parents, and nothing limits them.
CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={dir}/munge/socket,cred_expire=5
StateSaveLocation={dir}/state
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/%n.pid
SlurmdSpoolDir={dir}/spool/%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
SlurmdTimeout=10
MessageTimeout=5
KillWait=10
ReturnToService=1
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE
"""


def installed():
    return all(shutil.which(name, path=PATH) for name in (*DAEMONS, "sbatch", "srun"))


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    def __init__(self, directory=None, nodes=2, cpus=4, memory_mb=8000):
        self.own_dir = directory is None
        self.dir = pathlib.Path(directory or tempfile.mkdtemp(prefix="slurm-"))
        self.nodes = [f"node{i}" for i in range(1, nodes + 1)]
        self.env = {**os.environ, "PATH": PATH, "SLURM_CONF": str(self.dir / "slurm.conf")}
        self.daemons = {}
        # munged goes by the rights of the folders above its socket.
        self.dir.chmod(0o755)
        for name in ("munge", "state", "spool", "log", *(f"spool/{node}" for node in self.nodes)):
            (self.dir / name).mkdir(exist_ok=True)
            (self.dir / name).chmod(0o755)
        ports = free_ports(nodes + 1)
        config = CONFIG.format(host=socket.gethostname(), port=ports[0], user=getpass.getuser(), dir=self.dir)
        for node, port in zip(self.nodes, ports[1:]):
            config += f"NodeName={node} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory={memory_mb}\n"
        (self.dir / "slurm.conf").write_text(config)
        (self.dir / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        (self.dir / "munge/key").write_bytes(os.urandom(128))
        (self.dir / "munge/key").chmod(0o600)

    def __enter__(self):
        try:
            self._start("munged", "munged", "--foreground", "--force", f"--key-file={self.dir}/munge/key",
                        f"--seed-file={self.dir}/munge/seed", f"--socket={self.dir}/munge/socket",
                        f"--pid-file={self.dir}/munged.pid")
            self.wait(lambda: (self.dir / "munge/socket").exists(), "munged")
            self.start_controller()
            for node in self.nodes:
                self.start_node(node)
            self.wait(lambda: set(self.states().values()) == {"idle"}, "the nodes")
        except BaseException:
            self.close(keep=True)
            raise
        return self

    def __exit__(self, kind, *_):
        self.close(keep=kind is not None)

    def close(self, keep=False):
        for name in reversed(list(self.daemons)):
            if name not in ("munged", "slurmctld"):
                self.crash_node(name)
        self.kill_controller()
        self._kill("munged")
        if self.own_dir and not keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def _start(self, name, *command):
        log = open(self.dir / "log" / name, "ab")
        self.daemons[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                                              start_new_session=True)
        log.close()

    def _kill(self, name, number=signal.SIGKILL):
        process = self.daemons.get(name)
        if process and process.poll() is None:
            process.send_signal(number)
            if number == signal.SIGKILL:
                process.wait()

    def start_controller(self):
        self._start("slurmctld", "slurmctld", "-D", "-f", self.env["SLURM_CONF"])
        self.wait(lambda: self.run("scontrol", "ping", check=False).returncode == 0, "slurmctld")

    def kill_controller(self):
        self._kill("slurmctld")

    def start_node(self, node):
        self._start(node, "slurmd", "-D", "-f", self.env["SLURM_CONF"], "-N", node)

    def crash_node(self, node):
        """Its daemon and all that it runs are gone at once, as in a power cut."""
        self._kill(node)
        for _ in range(2):  # what was being started is found the second time
            tasks = [pid for pid in pids() if self._runs_on(node, pid)]
            # First those who would tell the controller how their tasks have ended.
            for pid in {parent_of(pid) for pid in tasks}:
                if b"slurmstepd" in of_process(pid, "cmdline"):
                    kill(pid)
            for pid in tasks:
                kill(pid)

    def _runs_on(self, node, pid):
        environment = of_process(pid, "environ").split(b"\0")
        return {f"SLURMD_NODENAME={node}".encode(), f"SLURM_CONF={self.env['SLURM_CONF']}".encode()} <= set(environment)

    def run(self, *command, check=True):
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} answered {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def states(self):
        """{node: state}, e.g. idle, mixed, down."""
        lines = self.run("sinfo", "--noheader", "--Node", "--format=%N %T").stdout.split("\n")
        return dict(line.split() for line in lines if line)

    def jobs(self, *states):
        """{number: (name, state, nodes)} of jobs in these states; by default of those that wait or run."""
        lines = self.run("squeue", "--noheader", "--format=%A|%j|%T|%N",
                         *([f"--states={','.join(states)}"] if states else [])).stdout.split("\n")
        return {int(number): tuple(rest) for number, *rest in (line.split("|") for line in lines if line)}

    def wait(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                found = condition()
                if found:
                    return found
            except RuntimeError:
                pass
            for name, process in self.daemons.items():
                if process.poll() not in (None, -signal.SIGKILL):
                    raise RuntimeError(f"{name} ended: {(self.dir / 'log' / name).read_text()[-2000:]}")
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: not within {seconds} s")
            time.sleep(0.05)


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def of_process(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def parent_of(pid):
    behind_name = of_process(pid, "stat").rpartition(b")")[2].split()
    return int(behind_name[1]) if len(behind_name) > 1 else 0


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    with Cluster(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2) as cluster:
        print(f"export SLURM_CONF={cluster.env['SLURM_CONF']}", flush=True)
        sys.stdin.read()
