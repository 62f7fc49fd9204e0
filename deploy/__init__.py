"""How Quartermaster is brought up, here and elsewhere."""
