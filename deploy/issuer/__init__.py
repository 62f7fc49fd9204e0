"""An OpenID Connect issuer for development: anybody is whoever they say they are. Never for production."""
