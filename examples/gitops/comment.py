"""Puts the output of `pulumi preview` on the pull request: `comment.py github|gitlab|azure STACK FILE`. Needs nothing but Python."""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LONGEST = 60_000  # GitHub takes 65,536 characters
_PROGRESS = re.compile(r"^(@ |Loading policy packs|\s*$)")
_HEADING = re.compile(r"^(Policies|Diagnostics|Outputs|Resources|Duration):")


def sections(text: str) -> dict[str, str]:
    """The output by the engine's headings; the part before the first heading is under `""`."""
    found: dict[str, list[str]] = {"": []}
    under = ""
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            under = heading[1]
        if under or not _PROGRESS.match(line):
            found.setdefault(under, []).append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in found.items()}


def verdict(said: Mapping[str, str]) -> str:
    """The result of the preview in one sentence."""
    if "[mandatory]" in said.get("Policies", ""):
        return "❌ A policy forbids this. See below what to change; nothing is deployed until then."
    if "Resources" not in said:
        return "❌ The preview failed. See below why."
    if re.search(r"^\s*(\+|-|~|\+-|<)", said["Resources"], re.MULTILINE):
        return "Changes. Merging deploys them to staging; prod waits for approval."
    return "No changes."


def comment(stack: str, text: str) -> str:
    """Markdown: one sentence, then changes and policy violations; the rest is folded."""
    said = sections(text)
    parts = [f"### Preview of `{stack}`", verdict(said)]
    parts += [fenced(said[name]) for name in ("Resources", "Policies", "Diagnostics") if said.get(name)]
    parts.append(f"<details><summary>Resource by resource</summary>\n\n{fenced(said[''] or 'the preview printed nothing')}\n\n</details>")
    whole = "\n\n".join(parts)
    return (
        whole
        if len(whole) <= LONGEST
        else f"{comment(stack, text[: len(text) * LONGEST // len(whole) // 2])}\n\n(Cut; the job's log has all of it.)"
    )


def fenced(text: str) -> str:
    """As a code block, whatever the text contains."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}\n{text}\n{fence}"


def request(service: str, body: str, env: Mapping[str, str]) -> urllib.request.Request:
    """The call that puts a comment on the pull request that this job runs for.

    Sources: docs.github.com/rest/issues/comments; docs.gitlab.com/api/notes;
    learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads.
    """
    content: Any = {"body": body}
    if service == "github":
        url = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/issues/{env['PULL_REQUEST']}/comments"
        header = ("Authorization", f"Bearer {env['GITHUB_TOKEN']}")
    elif service == "gitlab":
        url = f"{env['CI_API_V4_URL']}/projects/{env['CI_PROJECT_ID']}/merge_requests/{env['CI_MERGE_REQUEST_IID']}/notes"
        header = ("PRIVATE-TOKEN", env["COMMENT_TOKEN"])
    else:
        place = f"{env['SYSTEM_COLLECTIONURI']}{env['SYSTEM_TEAMPROJECTID']}/_apis/git/repositories/{env['BUILD_REPOSITORY_ID']}"
        url = f"{place}/pullRequests/{env['SYSTEM_PULLREQUEST_PULLREQUESTID']}/threads?api-version=7.1"
        header = ("Authorization", f"Bearer {env['SYSTEM_ACCESSTOKEN']}")
        content = {"comments": [{"parentCommentId": 0, "content": body, "commentType": "text"}], "status": "closed"}
    data = json.dumps(content).encode()
    return urllib.request.Request(url, data, {"Content-Type": "application/json", header[0]: header[1]})  # noqa: S310 - the service's own address


def main(service: str, stack: str, file: str) -> int:
    """Read the file and send the comment; returns the exit code."""
    path = Path(file)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        with urllib.request.urlopen(request(service, comment(stack, text), os.environ), timeout=30):  # noqa: S310 - as above
            return 0
    except KeyError as missing:
        print(f"comment.py: {missing} is not set: run this in a job of a pull request, and give it its token", file=sys.stderr)
    except (urllib.error.URLError, TimeoutError) as failed:
        print(f"comment.py: the comment was refused: {failed}; allow the job's token to comment", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
