"""The forecaster beside other libraries' recurrent ones and statistical models, on real series."""
