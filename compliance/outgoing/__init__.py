"""Messages that leave the house: the one place of ``compliance`` that opens connections to where people say."""
