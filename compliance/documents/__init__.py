"""Identity documents: what of an upload is kept (contents), and where (store)."""
