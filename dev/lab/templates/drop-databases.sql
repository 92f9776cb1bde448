-- A first creation that was cut short begins again: half-made tables cannot be told from whole ones.
DROP DATABASE IF EXISTS keystone;
DROP DATABASE IF EXISTS glance;
DROP DATABASE IF EXISTS placement;
DROP DATABASE IF EXISTS nova_api;
DROP DATABASE IF EXISTS nova;
DROP DATABASE IF EXISTS nova_cell0;
DROP DATABASE IF EXISTS neutron;
