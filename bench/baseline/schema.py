"""The baseline's databases: tables and the catalog, made afresh before every measurement."""

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import create_async_engine

from bench.baseline import assets_app, purchasing_app, receiving_app, requests_app

BASES = {
    "requests": requests_app.Base,
    "purchasing": purchasing_app.Base,
    "receiving": receiving_app.Base,
    "assets": assets_app.Base,
}
CATALOGS = {"requests": requests_app.CatalogItem, "purchasing": purchasing_app.CatalogItem}


async def create(database_urls: Mapping[str, str], prices: Mapping[str, str]) -> None:
    """Make the tables of every application, and the items with these prices in euros."""
    items = [
        {
            "sku": sku,
            "name": sku,
            "vendor_name": "Bench vendor",
            "unit_price": Decimal(price),
            "currency": "EUR",
            "warranty_months": 24,
        }
        for sku, price in prices.items()
    ]
    for application, base in BASES.items():
        engine = create_async_engine(database_urls[application])
        async with engine.begin() as connection:
            await connection.run_sync(base.metadata.drop_all)
            await connection.run_sync(base.metadata.create_all)
            if application in CATALOGS:
                await connection.execute(insert(CATALOGS[application]), items)
        await engine.dispose()
