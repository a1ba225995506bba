"""Forecasts of very many series: files one by one, on this machine's cores or on Ray's."""
