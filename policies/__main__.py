"""The policy pack's entry point: `--policy-pack policies --policy-pack-config policies/prod.json` starts it."""

from pulumi_policy import PolicyPack
from rules import POLICIES

PolicyPack("hubtrust", policies=POLICIES)
