"""One collector per ecosystem: what people ask for becomes artifacts and their evidence."""
