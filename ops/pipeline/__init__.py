"""What a pipeline runs on a pull request, after a merge and every morning: see docs/pull-requests.md."""
