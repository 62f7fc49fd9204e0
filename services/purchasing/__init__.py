"""Purchasing: vendors, the catalog, and the orders that go to vendors."""
