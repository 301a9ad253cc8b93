"""The demonstration: three clinics and their patients, through the HTTP APIs only, held against an independent fold."""
