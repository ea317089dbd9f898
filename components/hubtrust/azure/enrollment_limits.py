"""What a provisioning service takes: ids, sizes and numbers of enrollments.

learn.microsoft.com/azure/iot-dps/about-iot-dps (limits), concepts-service (ids) and concepts-custom-allocation (webhooks).
"""

import re

LONGEST_ID = 128  # characters of a registration id and of a group's id
ENROLLMENT_ID = re.compile(r"[A-Za-z0-9\-._:]*[A-Za-z0-9-]")  # the last character is a letter, digit or dash
LONGEST_COMMON_NAME = 64  # characters; in a certificate it is the registration id (RFC 5280, ub-common-name)
MOST_ENROLLMENTS = 1_000_000  # individual ones of a service
MOST_IN_BULK = 10  # enrollments a call
PAGE = 100  # enrollments or registrations that a query is asked for; the service may give fewer
MOST_LISTED = 1000  # enrollments that are listed to see whether one is there: each page is a call
MOST_X509_GROUPS = 100  # a service
MOST_LINKED_HUBS = 50  # a service
RESERVED_IN_TWINS = ("version", "count", "metadata")  # of Azure's TwinCollection, which holds both parts of an initial twin
FIRST_WEBHOOK_VERSION = "2018-09-01-preview"  # of custom allocation
