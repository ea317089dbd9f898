"""A hub's own door, `<hub>.azure-devices.net`: device identities, their twins, queries over them."""
