"""One file a verb: one public function and one frozen Options dataclass."""
