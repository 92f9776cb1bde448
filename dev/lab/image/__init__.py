"""Machine images of the lab: root filesystems as tars, for the driver whose machines are system containers."""
