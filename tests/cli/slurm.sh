#!/bin/bash
# The job-array scripts in a real Slurm of one node, started here and stopped again: a suite and a calibration in three
# shards each are what one run makes.
set -e
export PATH=$PATH:/usr/sbin
for p in munged slurmctld slurmd sbatch; do
	command -v $p >/dev/null || { echo "no $p (packages slurmctld, slurmd, slurm-client, munge)"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo 'Slurm is started by root only'; exit 77; }
here=$PWD host=$(hostname -s) port=$((20000 + $$ % 20000))
mkdir state spool munge
stop() {
	local pids
	pids=$(cat munge/pid slurmd.pid slurmctld.pid 2>/dev/null)
	for _ in $(seq 50); do # they write their state before they go
		# shellcheck disable=SC2086
		kill $pids 2>/dev/null || return 0
		sleep 0.1
	done
}
trap stop EXIT
head -c 1024 /dev/urandom >munge/key && chmod 400 munge/key
chmod 755 "$here" "$here/.." munge
munged --force --key-file="$here/munge/key" --socket="$here/munge/socket" --pid-file="$here/munge/pid" \
    --log-file="$here/munge/log" --seed-file="$here/munge/seed"
cat >slurm.conf <<END
ClusterName=mo
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/slurmctld.log
SlurmdLogFile=$here/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SchedulerParameters=batch_sched_delay=1,sched_interval=1
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES State=UP
END
export SLURM_CONF=$here/slurm.conf
slurmctld -c -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"
for _ in $(seq 50); do
	sinfo -h -o %T 2>/dev/null | grep -q idle && break
	sleep 0.2
done
sinfo -h -o %T

examples=$ROOT/src/share/examples pre='mean=127.5,scale=127.5,layout=nhwc'
cp "$GLYPHS/glyphs.onnx" "$GLYPHS/calib_images.npy" .
cat >suite.json <<'END'
{"name": "array", "time": 0.02, "rounds": 2, "models": ["glyphs.onnx", "nosuch.onnx"], "threads": [1], "modes": ["sync", "async"]}
END
sbatch --array=1-3 "$examples/suite.sbatch" suite.json
sbatch --array=1-3 "$examples/calibrate.sbatch" glyphs.onnx --data calib_images.npy --samples 50 --preprocess $pre
for _ in $(seq 300); do
	[ -n "$(squeue -h)" ] || break
	sleep 0.2
done
squeue -h
cat slurm-*.out | grep -c 'failed: cannot open'
ls runs.*.jsonl shard.*.json shard.*.stats
cat runs.*.jsonl >runs.jsonl
mo-bench --suite suite.json --resume runs.jsonl --csv all.csv 2>&1 >/dev/null | grep -o '0 to do'
cut -d, -f1-8 all.csv
mo-calibrate -q glyphs.onnx --data calib_images.npy --samples 50 --preprocess $pre --merge --stats-out one.stats
# shellcheck disable=SC2046
mo-calibrate -q glyphs.onnx --merge --stats-out all.stats $(printf -- '--stats-in %s ' shard.*.stats)
cmp one.stats all.stats && echo 'the shards of the calibration are one run'
mo-calibrate -q glyphs.onnx --data calib_images.npy --samples 50 --preprocess $pre --model-name one
mo-calibrate -q glyphs.onnx --stats-in all.stats --data calib_images.npy --samples 50 --preprocess $pre --model-name all
cmp one.bin all.bin && cmp <(sed 's/name="one"//' one.xml) <(sed 's/name="all"//' all.xml) && echo 'and so is the network'
