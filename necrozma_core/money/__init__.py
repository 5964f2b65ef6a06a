"""Trades to money: ``costs`` of a trade, ``conversion`` to the account's currency, ``equity`` day by day."""
