"""Blocks of commands that a test of another folder runs, because it needs more than a shell: the page, the section, and that test."""

RUN_ELSEWHERE = {
    ("README.md", ""): "tests/package/test_installation.py",
    ("docs/evidence.md", "Check it with openssl and sha256sum alone"): "tests/evidence/test_page.py",
    ("docs/installation-configuration.md", "Installation"): "tests/supply/test_plugin_archive.py",
    ("docs/languages.md", "A new project"): "tests/e2e/test_languages.py",
    ("docs/local-azure.md", "In containers"): "tests/supply/test_local_azure_containers.py",
    ("docs/moving.md", "The command `pulumi import`"): "tests/e2e/test_importing.py",
}
