-- An order has the items of its newer state only: those of an older one would make its total differ.
DELETE FROM added_order_items AS added USING decided_orders AS decided
WHERE decided.key = added.order_id AND NOT decided.newer;
DELETE FROM public.order_items AS present USING decided_orders AS decided
WHERE decided.key = present.order_id AND decided.newer
    AND EXISTS (SELECT FROM added_order_items AS added WHERE added.order_id = decided.key)
    AND NOT EXISTS (SELECT FROM added_order_items AS added WHERE added.order_item_id = present.order_item_id)
