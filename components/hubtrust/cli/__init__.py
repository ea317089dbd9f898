"""The command `hubtrust`: one file for each of its commands."""
