"""Microsoft Graph: the few reads of the directory that Azure's clients make to find who a role is for."""
