"""The api-versions that a hub's data plane takes: those of recordings, of Microsoft's clients and of the OpenAPI files."""

VERSIONS = tuple(
    (
        "2016-02-03 2016-11-14 2017-06-30 2018-01-16 2018-04-01 2018-06-30 2019-03-30 2019-07-01-preview 2019-10-01 2020-03-01 2020-03-13 "
        "2020-05-31-preview 2020-09-30 2021-04-12 2024-03-31 "
    ).split()
)
