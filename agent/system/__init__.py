"""The parts of a machine that every role has: files, services, packages, disks, certificates, time."""
