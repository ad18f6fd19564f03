"""Networks in the forms that other libraries take; each module imports its library when it is used."""
