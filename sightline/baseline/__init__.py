"""A classical model beside the network: what does the network buy? scikit-learn is imported only where it is used."""
