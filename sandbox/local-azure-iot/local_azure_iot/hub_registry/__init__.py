"""A hub's own endpoint, `<hub>.azure-devices.net`: device identities, their twins, queries over them."""
