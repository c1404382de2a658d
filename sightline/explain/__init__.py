"""Why a model answered as it did: maps over the image, each scored for how far it can be trusted."""

from sightline.explain.picture import blend as blend
from sightline.explain.picture import overlay as overlay
