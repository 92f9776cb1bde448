"""What `pulumi up` creates: one ComponentResource a file, put together by platform.py only."""
