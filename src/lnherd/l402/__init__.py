"""HTTP 402 with Lightning: codecs, sans-I/O flows, and thin shells for servers, clients and wallets."""
