"""The policy pack, as an engine starts it: `--policy-pack policies --policy-pack-config policies/prod.json`."""

from pulumi_policy import PolicyPack
from rules import POLICIES

PolicyPack("hubtrust", policies=POLICIES)
