"""What the server promises when everything goes wrong at once, measured."""
