"""What a pipeline runs on a pull request, after a merge and each morning: docs/pull-requests.md."""
