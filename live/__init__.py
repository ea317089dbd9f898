"""`python -m live`: one run on real Azure, in a subscription of one's own, compared call by call with local Azure: docs/live.md."""
