"""hubtrust: Pulumi components that make an Azure IoT hub trust a CA by proof of possession of its key.

Programs import everything from here. `__init__.pyi` lists the names. A name's module is loaded when the name is first used, so that a
provider process, which imports one module of this package, does not load azure-native as well.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
